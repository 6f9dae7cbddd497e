import { texts } from "../texts/en";
import { PageHeading } from "../ui/basics";

export default function Right() {
  return <PageHeading title={texts.nav.right} />;
}
