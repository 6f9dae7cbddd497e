import { Component, type ReactNode } from "react";
import { texts } from "../texts/en";
import { Notice, PageHeading, Panel } from "./basics";

/**
 * Keeps what breaks in one page from taking the bar, the wallet and the list of transactions with it: an answer in
 * a shape that nobody knows, or a part that was built anew since this document was loaded.
 *
 * Give it the page's address as `key`: another page begins unbroken.
 */
export class Boundary extends Component<{ title: string; children: ReactNode }, { isBroken: boolean }> {
  override state = { isBroken: false };

  static getDerivedStateFromError() {
    return { isBroken: true };
  }

  override render() {
    if (!this.state.isBroken) return this.props.children;
    const again = (
      <button type="button" onClick={() => window.location.reload()}>
        {texts.broken.again}
      </button>
    );
    return (
      <>
        <PageHeading title={this.props.title} />
        <Panel>
          <Notice tone="bad" act={again}>
            {texts.broken.what}
          </Notice>
        </Panel>
      </>
    );
  }
}
