import { texts } from "../texts/en";
import { PageHeading } from "../ui/basics";

export default function Keys() {
  return <PageHeading title={texts.nav.keys} />;
}
