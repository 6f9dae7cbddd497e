import "./operator.css";
import { useRoles } from "../api/queries";
import { texts } from "../texts/en";
import { Notice, PageHeading, Waiting } from "../ui/basics";
import { NeedsSession } from "../ui/gates";
import { Acts } from "./operator/acts";
import { Buybacks } from "./operator/buybacks";
import { Health } from "./operator/health";
import { Liabilities } from "./operator/liabilities";
import { Timelock } from "./operator/timelock";

/** How the service stands, for the wallets that run it. It reads only: whatever changes something is a command. */
export default function Operator() {
  return (
    <div className="page operator">
      <PageHeading title={texts.nav.operator}>{texts.operator.lead}</PageHeading>
      <NeedsSession>
        <ForOperators />
      </NeedsSession>
    </div>
  );
}

function ForOperators() {
  const { data: roles, isPending } = useRoles();
  if (isPending) return <Waiting width={20} />;
  if (roles?.operator !== true) return <Notice>{texts.operator.notOne}</Notice>;
  return (
    <>
      <Health />
      <Liabilities />
      <Buybacks />
      <Timelock />
      <Acts />
    </>
  );
}
