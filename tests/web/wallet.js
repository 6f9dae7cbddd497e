// A wallet as the page meets one: an EIP-1193 provider, announced by EIP-6963. It decides nothing: each request
// goes to `wallet.py`, through a function that the browser was given, so that the page's own policy on
// connections is not widened. It is not `window.ethereum`, since a page must not need that.
(() => {
  if (window !== window.top || !/^https?:$/.test(location.protocol)) return;
  const listeners = new Map();
  const of = (event) => listeners.get(event) ?? listeners.set(event, new Set()).get(event);
  const provider = {
    isTestWallet: true,
    async request({ method, params }) {
      const answer = await window.testWalletRequest({ method, params: params ?? [] });
      if (answer.error === undefined) return answer.result;
      throw Object.assign(new Error(answer.error.message), answer.error);
    },
    on(event, listener) {
      of(event).add(listener);
      return provider;
    },
    removeListener(event, listener) {
      of(event).delete(listener);
      return provider;
    },
  };
  Object.defineProperty(window, "testWalletEmit", {
    value: (event, value) => [...of(event)].forEach((listener) => listener(value)),
  });
  const info = Object.freeze({
    uuid: "6f0a3a52-5c0e-4a0e-9a53-1f4f0c2f7d11",
    name: "Test Wallet",
    icon: "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'/%3E",
    rdns: "test.wallet",
  });
  const announce = () =>
    window.dispatchEvent(
      new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }),
    );
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
})();
