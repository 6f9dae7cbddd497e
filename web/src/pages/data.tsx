import { texts } from "../texts/en";
import { PageHeading } from "../ui/basics";

export default function Data() {
  return <PageHeading title={texts.nav.data} />;
}
