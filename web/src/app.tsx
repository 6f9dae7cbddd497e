import { lazy, Suspense, useEffect, useRef } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { useRoles, useServiceHealth } from "./api/queries";
import { useKeeper } from "./chain/keeper";
import Home from "./pages/home";
import { texts } from "./texts/en";
import { Banners } from "./ui/banners";
import { Waiting } from "./ui/basics";
import { Boundary } from "./ui/boundary";
import { OpenTransactions, TransactionsButton } from "./ui/transactions";
import { WalletButton } from "./ui/wallet";

/** Each address of the page and what it shows; entitlement/api/dashboard.py serves the same addresses. */
const PAGES = [
  { path: "/", name: texts.nav.home, page: Home },
  { path: "/stake", name: texts.nav.stake, page: lazy(() => import("./pages/stake")) },
  { path: "/mint", name: texts.nav.mint, page: lazy(() => import("./pages/mint")) },
  { path: "/right", name: texts.nav.right, page: lazy(() => import("./pages/right")) },
  { path: "/credit", name: texts.nav.credit, page: lazy(() => import("./pages/credit")) },
  { path: "/keys", name: texts.nav.keys, page: lazy(() => import("./pages/keys")) },
  { path: "/usage", name: texts.nav.usage, page: lazy(() => import("./pages/usage")) },
  { path: "/verify", name: texts.nav.verify, page: lazy(() => import("./pages/verify")) },
  { path: "/data", name: texts.nav.data, page: lazy(() => import("./pages/data")) },
  { path: "/operator", name: texts.nav.operator, page: lazy(() => import("./pages/operator")) },
] as const;

export function App() {
  useKeeper();
  const { data: health } = useServiceHealth();
  const { data: roles } = useRoles();
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);

  // A new page is told to who listens, as a loaded document would be.
  useEffect(() => {
    if (first.current) first.current = false;
    else main.current?.focus({ preventScroll: false });
    window.scrollTo(0, 0);
  }, [location]);

  const shown = PAGES.filter((page) => page.path !== "/operator" || roles?.operator === true);
  return (
    <>
      <a className="skip" href="#content">
        {texts.skip}
      </a>
      <header className="bar">
        <Link href="/" className="brand" aria-label={texts.brand}>
          <img src="/icon.svg" alt="" width="26" height="26" />
          <span>{texts.brand}</span>
        </Link>
        <div className="push">
          <TransactionsButton />
          <WalletButton />
        </div>
      </header>
      <div className="frame">
        <nav className="nav" aria-label={texts.nav.label}>
          <ul>
            {shown.map((page) => (
              <li key={page.path}>
                <Link href={page.path} aria-current={location === page.path ? "page" : undefined}>
                  {page.name}
                </Link>
              </li>
            ))}
            <li className="apart">
              <a href="/public">{texts.nav.public}</a>
            </li>
          </ul>
        </nav>
        <main id="content" className="page" ref={main} tabIndex={-1}>
          <Banners health={health} />
          <OpenTransactions />
          <Boundary key={location} title={PAGES.find((page) => page.path === location)?.name ?? texts.brand}>
            <Suspense fallback={<Waiting width={20} />}>
              <Switch>
                {PAGES.map(({ path, page: Page }) => (
                  <Route key={path} path={path}>
                    <div className={`of of-${path.slice(1) || "home"}`}>
                      <Page />
                    </div>
                  </Route>
                ))}
              </Switch>
            </Suspense>
          </Boundary>
        </main>
      </div>
    </>
  );
}
