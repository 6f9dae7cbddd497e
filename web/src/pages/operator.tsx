import { texts } from "../texts/en";
import { PageHeading } from "../ui/basics";

export default function Operator() {
  return <PageHeading title={texts.nav.operator} />;
}
