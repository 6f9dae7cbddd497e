import { texts } from "../texts/en";
import { PageHeading } from "../ui/basics";

export default function Mint() {
  return <PageHeading title={texts.nav.mint} />;
}
