import { texts } from "../texts/en";
import { PageHeading } from "../ui/basics";

export default function Home() {
  return <PageHeading title={texts.nav.home} />;
}
