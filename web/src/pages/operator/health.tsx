import { useOperatorHealth } from "../../api/operating";
import { day, stretch } from "../../core/epochs";
import { dollars } from "../../core/units";
import type { OperatorHealthOut } from "../../generated/api";
import { texts } from "../../texts/en";
import { Notice } from "../../ui/basics";
import { Commands, momentOr, Part, type State, States } from "./parts";

const words = texts.operator.health;

/** Whether the service can be relied on, and every figure behind it. */
export function Health() {
  const asked = useOperatorHealth();
  return (
    <Part title={words.title} asked={asked}>
      {(found) => (
        <>
          <Notice tone={found.ready ? "good" : "bad"}>
            {found.ready ? words.ready : `${words.notReady} ${found.reasons.join("; ")}`}
          </Notice>
          {problemsOf(found).map((problem) => (
            <Notice key={problem} tone="bad">
              {problem}
            </Notice>
          ))}
          <States states={[...followingOf(found), ...openOf(found), ...workOf(found)]} />
          <Commands commands={words.commands} />
        </>
      )}
    </Part>
  );
}

function problemsOf({ following }: OperatorHealthOut): string[] {
  if (following === null) return [];
  const told: [string, string | null][] = [
    [words.stepFailed, following.problem],
    [words.grantingStopped, following.granting_stopped],
    [words.checkFailed, following.check_failed],
  ];
  return told.flatMap(([name, problem]) => (problem === null ? [] : [`${name} ${problem}`]));
}

function followingOf({ following, verified }: OperatorHealthOut): State[] {
  if (following === null) return [{ name: words.following, value: words.notYet }];
  return [
    { name: words.head, value: words.blockOf(following.head_block, following.node_block) },
    { name: words.behind, value: words.lag(following.blocks_behind, stretch(following.seconds_behind)) },
    { name: words.final, value: String(following.final_block) },
    { name: words.lastStep, value: words.ago(stretch(following.seconds_since_step)) },
    verified === null
      ? { name: words.verified, value: texts.operator.never }
      : {
          name: words.verified,
          value: words.verifiedAt(verified.wallets, verified.block),
          chip:
            verified.differences === 0
              ? { tone: "good", word: words.noDifference }
              : { tone: "bad", word: words.differences(verified.differences) },
        },
  ];
}

function openOf({ holds, leases, webhooks }: OperatorHealthOut): State[] {
  return [
    { name: words.holds, value: words.open(holds.count, dollars(BigInt(holds.amount))) },
    { name: words.leases, value: words.open(leases.count, dollars(BigInt(leases.amount))) },
    {
      name: words.webhooks,
      value: words.waiting(webhooks.waiting),
      ...(webhooks.failing > 0
        ? { chip: { tone: "warn" as const, word: words.failing(webhooks.failing) } }
        : {}),
    },
  ];
}

function workOf({ roots, jobs }: OperatorHealthOut): State[] {
  const dayOr = (epoch: number | null) => (epoch === null ? texts.operator.never : day(epoch));
  return [
    { name: words.closed, value: dayOr(roots.last_closed) },
    {
      name: words.published,
      value: dayOr(roots.last_published),
      ...(roots.waiting > 0
        ? { chip: { tone: "warn" as const, word: words.rootsWaiting(roots.waiting) } }
        : {}),
    },
    { name: words.lastPublish, value: momentOr(jobs.publish) },
    { name: words.lastStatement, value: momentOr(jobs.state) },
  ];
}
