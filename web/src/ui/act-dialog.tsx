import { type ComponentProps, type ReactNode, useState } from "react";
import { Act } from "./act";
import { Dialog } from "./basics";

/** A button that opens the preview of an act in a dialog, where it is confirmed and followed. */
export function ActDialog({
  title,
  children,
  button,
  disabled = false,
  look = "",
  onOpenChange,
  ...act
}: {
  /** Of the dialog, and of the button where `button` says nothing else. */
  title: string;
  button?: ReactNode;
  disabled?: boolean;
  /** The button's class. */
  look?: string;
  onOpenChange?: (open: boolean) => void;
} & ComponentProps<typeof Act>) {
  const [open, setOpen] = useState(false);
  const turn = (next: boolean) => {
    setOpen(next);
    onOpenChange?.(next);
  };
  return (
    <>
      <button
        type="button"
        className={look}
        disabled={disabled}
        aria-haspopup="dialog"
        onClick={() => turn(true)}
      >
        {button ?? title}
      </button>
      <Dialog title={title} open={open} onClose={() => turn(false)}>
        {children}
        <Act {...act} />
      </Dialog>
    </>
  );
}
