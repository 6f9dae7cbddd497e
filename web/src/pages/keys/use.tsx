import { type KeyboardEvent, useId, useRef, useState } from "react";
import { useAnalytics } from "../../api/own";
import { LANGUAGES, listModels, snippet } from "../../core/snippets";
import { settings } from "../../settings";
import { texts } from "../../texts/en";
import { CopyButton, Panel } from "../../ui/basics";

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
  const known = (data?.byModel ?? []).flatMap(({ name }) => (name === null ? [] : [name]));
  const usual = known[0] ?? (settings.chain.isDevelopment ? DEVELOPMENT_MODEL : words.exampleModel);
  const [language, setLanguage] = useState<(typeof LANGUAGES)[number]>("curl");
  const [typed, setTyped] = useState<string | null>(null);
  const code = snippet(language, settings.gatewayUrl, secret, typed ?? usual);
  return (
    <div className="stack snippets">
      <div className="row apart">
        <Tabs id={id} chosen={language} onChoice={setLanguage} />
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
      <div id={`${id}-code`} role="tabpanel" aria-labelledby={`${id}-${language}`}>
        <Code code={code} />
      </div>
    </div>
  );
}

type Language = (typeof LANGUAGES)[number];

function Tabs({
  id,
  chosen,
  onChoice,
}: {
  id: string;
  chosen: Language;
  onChoice: (language: Language) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = LANGUAGES[(LANGUAGES.indexOf(chosen) + step + LANGUAGES.length) % LANGUAGES.length];
    if (next === undefined) return;
    onChoice(next);
    list.current?.querySelector<HTMLElement>(`[data-language="${next}"]`)?.focus();
  };
  return (
    <div className="tabs" role="tablist" ref={list} onKeyDown={move} aria-label={texts.keys.use.title}>
      {LANGUAGES.map((language) => (
        <button
          key={language}
          id={`${id}-${language}`}
          type="button"
          role="tab"
          className="tiny"
          data-language={language}
          aria-selected={language === chosen}
          aria-controls={`${id}-code`}
          tabIndex={language === chosen ? 0 : -1}
          onClick={() => onChoice(language)}
        >
          {texts.keys.use.languages[language]}
        </button>
      ))}
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
