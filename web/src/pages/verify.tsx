import { texts } from "../texts/en";
import { PageHeading } from "../ui/basics";

export default function Verify() {
  return <PageHeading title={texts.nav.verify} />;
}
