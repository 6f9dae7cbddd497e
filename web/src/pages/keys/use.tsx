import { useId, useState } from "react";
import { useModels } from "../../api/models";
import { useAnalytics } from "../../api/own";
import { LANGUAGES, listModels, snippet } from "../../core/snippets";
import { settings } from "../../settings";
import { texts } from "../../texts/en";
import { CopyButton, Panel } from "../../ui/basics";
import { TabList } from "../../ui/tabs";

const MODELS_OF_DAYS = 90;
/** What the gateway of a development stack offers. */
const DEVELOPMENT_MODEL = "echo";

/** How any key is used, with a place for the secret. */
export function HowToUse() {
  const words = texts.keys.use;
  const base = `${settings.gatewayUrl}/api/v1`;
  return (
    <Panel title={words.title}>
      <p className="quiet">{words.lead}</p>
      <div className="stack">
        <div className="row">
          <span className="label">{words.address}</span>
          <code>{base}</code>
          <CopyButton text={base} />
        </div>
        <Snippets secret={words.secret} />
        <details>
          <summary>{words.list}</summary>
          <Code code={listModels(settings.gatewayUrl)} />
        </details>
      </div>
    </Panel>
  );
}

/** Code that asks the gateway, in several languages, with this secret in it. */
export function Snippets({ secret }: { secret: string }) {
  const words = texts.keys.use;
  const id = useId();
  const { data } = useAnalytics(MODELS_OF_DAYS);
  const { data: offered } = useModels();
  const used = (data?.byModel ?? []).flatMap(({ name }) => (name === null ? [] : [name]));
  const known = [...new Set([...used.filter((name) => offered?.includes(name) ?? true), ...(offered ?? [])])];
  const usual = known[0] ?? (settings.chain.isDevelopment ? DEVELOPMENT_MODEL : words.exampleModel);
  const [language, setLanguage] = useState<(typeof LANGUAGES)[number]>("curl");
  const [typed, setTyped] = useState<string | null>(null);
  const code = snippet(language, settings.gatewayUrl, secret, typed ?? usual);
  return (
    <div className="stack snippets">
      <div className="row apart">
        <TabList
          id={id}
          label={words.title}
          tabs={LANGUAGES.map((each) => ({ id: each, name: words.languages[each] }))}
          chosen={language}
          onChoice={setLanguage}
          className="small"
        />
        <label className="model small">
          {words.model}
          <input
            className="mono"
            list={`${id}-models`}
            value={typed ?? usual}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setTyped(event.target.value)}
          />
          <datalist id={`${id}-models`}>
            {known.map((model) => (
              <option key={model} value={model} />
            ))}
          </datalist>
        </label>
      </div>
      <div id={`${id}-${language}-panel`} role="tabpanel" aria-labelledby={`${id}-${language}`}>
        <Code code={code} />
      </div>
    </div>
  );
}

function Code({ code }: { code: string }) {
  return (
    <div className="code">
      {/* It scrolls sideways where it is wider than the screen: the keyboard must get there too. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard */}
      <pre tabIndex={0}>{code}</pre>
      <CopyButton text={code} label={texts.keys.use.copy} />
    </div>
  );
}
