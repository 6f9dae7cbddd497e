import { texts } from "../texts/en";
import { PageHeading } from "../ui/basics";

export default function Usage() {
  return <PageHeading title={texts.nav.usage} />;
}
