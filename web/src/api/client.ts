import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "../generated/api";
import { texts } from "../texts/en";

/** Why the service refused: RFC 9457 with a stable `code`; the figures are further members. */
export type Problem = { status: number; code: string; detail: string; figures: Record<string, unknown> };

/** A refusal of the service, or its silence (`status` 0, `code` "unreachable"). */
export class ServiceError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
    this.name = "ServiceError";
  }
}

const REQUEST_SECONDS = 15;
let bearer: string | null = null;

/** The session that is sent with each request from now on. */
export function sendSession(token: string | null): void {
  bearer = token;
}

const withSession: Middleware = {
  onRequest({ request }) {
    if (bearer !== null) request.headers.set("Authorization", `Bearer ${bearer}`);
    return request;
  },
};

/** The service's routes, typed by its own description. */
export const api = createClient<paths>({
  baseUrl: "",
  fetch: (request) => fetch(request, { signal: AbortSignal.timeout(REQUEST_SECONDS * 1_000) }),
});
api.use(withSession);

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The body of an answer. Throws ServiceError for a refusal and where nobody answers. */
export async function answered<T>(asked: Promise<Answer<T>>): Promise<T> {
  let found: Answer<T>;
  try {
    found = await asked;
  } catch (error) {
    throw new ServiceError({
      status: 0,
      code: "unreachable",
      detail: error instanceof Error ? error.message : String(error),
      figures: {},
    });
  }
  if (found.response.ok) return found.data as T;
  throw new ServiceError(problemOf(found.response.status, found.error));
}

function problemOf(status: number, body: unknown): Problem {
  const members = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const { code, detail, title, type: _, status: __, ...figures } = members;
  return {
    status,
    code: typeof code === "string" ? code : "unknown",
    detail: typeof detail === "string" ? detail : typeof title === "string" ? title : `status ${status}`,
    figures,
  };
}

/** What an answer is that has not the form which the service's own description gives it. */
export function unreadable(): ServiceError {
  return new ServiceError({ status: 0, code: "unreadable", detail: texts.service.unreadable, figures: {} });
}

/** Whether a question is worth asking again: not one that was refused for its content or its asker. */
export function mayRetry(failures: number, error: unknown): boolean {
  const isRefusal =
    error instanceof ServiceError && error.problem.status >= 400 && error.problem.status < 500;
  return failures < 2 && !isRefusal;
}
