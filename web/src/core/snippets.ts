/** How a key is used, as code: the gateway speaks as OpenAI's interface does. Texts are quoted for each language. */

export type Language = "curl" | "python" | "openai" | "litellm";
export const LANGUAGES: readonly Language[] = ["curl", "python", "openai", "litellm"];

/** A program that asks `model` at the gateway with a key's secret, ready to be run. */
export function snippet(language: Language, gateway: string, secret: string, model: string): string {
  const base = `${gateway.replace(/\/+$/, "")}/api/v1`;
  const quoted = JSON.stringify(model);
  const messages = `[{"role": "user", "content": "Good morning"}]`;
  switch (language) {
    case "curl":
      return [
        `curl ${shell(`${base}/chat/completions`)} \\`,
        `  -H ${shell(`Authorization: Bearer ${secret}`)} \\`,
        `  -H 'Content-Type: application/json' \\`,
        `  -d ${shell(`{"model": ${quoted}, "messages": ${messages}}`)}`,
      ].join("\n");
    case "python":
      return [
        "import httpx",
        "",
        "answer = httpx.post(",
        `    ${JSON.stringify(`${base}/chat/completions`)},`,
        `    headers={"Authorization": ${JSON.stringify(`Bearer ${secret}`)}},`,
        `    json={"model": ${quoted}, "messages": ${messages}},`,
        "    timeout=60,",
        ")",
        "answer.raise_for_status()",
        `print(answer.json()["choices"][0]["message"]["content"])`,
      ].join("\n");
    case "openai":
      return [
        "from openai import OpenAI",
        "",
        `client = OpenAI(base_url=${JSON.stringify(base)}, api_key=${JSON.stringify(secret)})`,
        "answer = client.chat.completions.create(",
        `    model=${quoted},`,
        `    messages=${messages},`,
        ")",
        "print(answer.choices[0].message.content)",
      ].join("\n");
    case "litellm":
      return [
        "from litellm import completion",
        "",
        "answer = completion(",
        `    model=${JSON.stringify(`openai/${model}`)},`,
        `    api_base=${JSON.stringify(base)},`,
        `    api_key=${JSON.stringify(secret)},`,
        `    messages=${messages},`,
        ")",
        "print(answer.choices[0].message.content)",
      ].join("\n");
  }
}

/** The command that lists the gateway's models. */
export function listModels(gateway: string): string {
  return `curl ${shell(`${gateway.replace(/\/+$/, "")}/api/v1/models`)}`;
}

/** A text as one word of a POSIX shell, whatever is in it. */
function shell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
