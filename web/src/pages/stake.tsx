import { texts } from "../texts/en";
import { PageHeading } from "../ui/basics";

export default function Stake() {
  return <PageHeading title={texts.nav.stake} />;
}
