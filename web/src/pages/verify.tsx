import "./verify.css";
import { texts } from "../texts/en";
import { PageHeading } from "../ui/basics";
import { AllowanceCheck } from "./verify/allowance";
import { DayCheck } from "./verify/day";
import { ReceiptCheck } from "./verify/receipt";

/** Nothing here rests on the service's word: what it says is one column of a comparison. */
export default function Verify() {
  return (
    <div className="page verify">
      <PageHeading title={texts.nav.verify}>{texts.verify.lead}</PageHeading>
      <AllowanceCheck />
      <DayCheck />
      <ReceiptCheck />
    </div>
  );
}
