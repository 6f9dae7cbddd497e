import { texts } from "../texts/en";
import { PageHeading } from "../ui/basics";

export default function Credit() {
  return <PageHeading title={texts.nav.credit} />;
}
