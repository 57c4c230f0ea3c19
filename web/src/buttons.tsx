// Buttons that the Tiltfile and its extensions have made, with what they ask for and their confirmation.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Dialog } from "./pieces";
import { click, say } from "./requests";
import { buttons } from "./state";
import type { ButtonView, UIInputSpec, UIInputStatus } from "./wire";

/** Those of a resource, or those of the bar on top. */
export function Buttons({ type, id }: { type: string; id: string }): JSX.Element {
  const found = buttons.value.filter(
    ({ spec }) =>
      (spec.location?.componentType ?? "").toLowerCase() === type &&
      (type === "global" || spec.location?.componentID === id),
  );
  return (
    <>
      {found.map((button) => (
        <ApiButton key={button.name} button={button} />
      ))}
    </>
  );
}

/** Stops the update of a resource that runs, or the evaluation of the Tiltfile. */
export async function stopUpdate(name: string): Promise<void> {
  if (await click(`${name}-stopbuild`, { lastClickedAt: microseconds(), inputs: [] })) say(`${name}: stopping the update`);
}

function ApiButton({ button }: { button: ButtonView }): JSX.Element {
  const [open, setOpen] = useState(false);
  const { spec } = button;
  const asked = (spec.inputs ?? []).filter((input) => !input.hidden);
  const press = async (given: UIInputStatus[]) => {
    // What somebody has filled in stays until the session has it.
    if (!(await click(button.name, { lastClickedAt: microseconds(), inputs: given }))) return;
    setOpen(false);
    say(`${spec.text}: clicked`);
  };
  const needs = asked.length > 0 || spec.requiresConfirmation;
  return (
    <>
      <button
        type="button"
        disabled={spec.disabled}
        onClick={() => (needs ? setOpen(true) : void press((spec.inputs ?? []).map(initial)))}
      >
        {spec.iconSVG && <img class="icon" alt="" src={`data:image/svg+xml,${encodeURIComponent(spec.iconSVG)}`} />}
        {spec.text}
        {needs && "…"}
      </button>
      {open && <Form button={button} press={press} close={() => setOpen(false)} />}
    </>
  );
}

/** The API's times have microseconds. */
function microseconds(): string {
  return new Date().toISOString().replace("Z", "000Z");
}

function initial(input: UIInputSpec): UIInputStatus {
  const { name } = input;
  if (input.text) return { name, text: { value: input.text.defaultValue ?? "" } };
  if (input.bool) return { name, bool: { value: input.bool.defaultValue ?? false } };
  if (input.hidden) return { name, hidden: { value: input.hidden.value ?? "" } };
  return { name, choice: { value: input.choice?.choices?.[0] ?? "" } };
}

/** What was filled in for an input, where that is still of this kind and has this choice. */
function present(input: UIInputSpec, filled: UIInputStatus | undefined): UIInputStatus {
  const first = initial(input);
  const kind = (["text", "bool", "choice"] as const).find((each) => first[each]);
  if (!filled || !kind || !filled[kind]) return first;
  return kind === "choice" && !input.choice?.choices?.includes(filled.choice?.value ?? "") ? first : filled;
}

function Form({ button, press, close }: { button: ButtonView; press: (given: UIInputStatus[]) => Promise<void>; close: () => void }): JSX.Element {
  const { spec } = button;
  const inputs = spec.inputs ?? [];
  // By name: the Tiltfile may change while the form is open, and what was filled in is for the input that it was meant for.
  const [filled, setFilled] = useState<ReadonlyMap<string, UIInputStatus>>(new Map());
  const give = (status: UIInputStatus) => setFilled(new Map(filled).set(status.name ?? "", status));
  const given = inputs.map((input) => present(input, filled.get(input.name ?? "")));
  return (
    <Dialog title={spec.text ?? button.name} onClose={close}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          void press(given);
        }}
      >
        {inputs.map((input, index) => (input.hidden ? null : <Input key={input.name} input={input} status={given[index] ?? initial(input)} give={give} />))}
        {spec.requiresConfirmation && <p>Do you want to run “{spec.text}”?</p>}
        <footer>
          <button type="button" class="quiet" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="primary">
            {spec.requiresConfirmation ? "Confirm" : "Run"}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

function Input({ input, status, give }: { input: UIInputSpec; status: UIInputStatus; give: (status: UIInputStatus) => void }): JSX.Element {
  const name = input.name ?? "";
  const label = input.label || name;
  if (input.bool) {
    return (
      <label class="row">
        <input type="checkbox" checked={status.bool?.value ?? false} onChange={(event) => give({ name, bool: { value: event.currentTarget.checked } })} />
        {label}
      </label>
    );
  }
  if (input.choice) {
    return (
      <label>
        {label}
        <select value={status.choice?.value ?? ""} onChange={(event) => give({ name, choice: { value: event.currentTarget.value } })}>
          {(input.choice.choices ?? []).map((choice) => (
            <option value={choice}>{choice}</option>
          ))}
        </select>
      </label>
    );
  }
  if (input.text?.defaultValue?.includes("\n")) {
    return (
      <label>
        {label}
        <textarea rows={4} value={status.text?.value ?? ""} onInput={(event) => give({ name, text: { value: event.currentTarget.value } })} />
      </label>
    );
  }
  return (
    <label>
      {label}
      <input
        type="text"
        value={status.text?.value ?? ""}
        placeholder={input.text?.placeholder ?? ""}
        onInput={(event) => give({ name, text: { value: event.currentTarget.value } })}
      />
    </label>
  );
}
