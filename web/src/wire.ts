// Made by scripts/page_types.py from the models of pytilt. Do not edit: change the models, run the script.
// A field with `?` that is missing has the value that its comment in the models names: empty, false or 0.

export interface Bar {
  level: number;
  tone: Tone;
}

export interface Block {
  number: number;
  time: string;
  source: Source;
  text: string;
}

export interface BlocksMessage {
  type: "blocks";
  id: number;
  blocks: Block[];
  skipped?: boolean;
}

export interface ButtonView {
  name: string;
  spec: UIButtonSpec;
}

export interface Cell {
  text: string;
  tone?: Tone;
}

export interface ClusterEvent {
  uid: string;
  type?: string;
  reason?: string;
  message?: string;
  object?: string;
  count?: number;
  lastSeen?: string;
}

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

export interface Container {
  name: string;
  image: string;
  id?: string;
  init?: boolean;
  state?: ContainerState;
  reason?: string;
  message?: string;
  exitCode?: number | null;
  startedAt?: string;
  ready?: boolean;
  restarts?: number;
  lastExitCode?: number | null;
  restartPolicy?: string;
  ports?: number[];
}

export type ContainerState = "running" | "terminated" | "waiting";

export interface Definition {
  facts?: Fact[];
  images?: ImageDefinition[];
  yaml?: string;
  changes?: string;
}

export interface Detail {
  name: string;
  updates?: Update[];
  definition: Definition;
  pods?: Pod[];
  live?: string[];
  events?: ClusterEvent[];
  waitsFor?: string[];
  neededBy?: string[];
}

export type Dot = "disabled" | "error" | "idle" | "ok" | "pending" | "updating";

export interface Fact {
  name: string;
  values: string[];
}

export interface FollowMessage {
  type: "follow";
  id: number;
  cursor: number;
  resources?: string[];
  source?: string;
  atLeast?: Level | null;
  since?: string;
}

export interface ImageDefinition {
  name: string;
  facts?: Fact[];
  liveUpdate?: string[];
}

export interface Lane {
  name: string;
  updates?: Update[];
}

export type Level = "DEBUG" | "ERROR" | "INFO" | "VERBOSE" | "WARN";

export interface Line {
  number: number;
  time: string;
  resource: string;
  span: string;
  text: string;
  level?: Level;
  progress?: string;
  build?: boolean;
  start?: boolean;
}

export interface Link {
  url: string;
  name?: string;
  error?: string;
  bare?: boolean;
}

export type Outcome = "canceled" | "failed" | "fell-back" | "interrupted" | "ok" | "running";

export interface OwnerRef {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
}

export interface PageRow {
  name: string;
  dot: Dot;
  status: Cell;
  update: Cell;
  labels?: string[];
  startedAt?: string;
  since?: string;
  restarts?: number;
  endpoints?: Link[];
  mode?: string;
  pod?: string;
  recent?: Bar[];
  waits?: string;
  error?: string;
  crashed?: boolean;
  warnings?: string[];
  enabled?: boolean;
  dependencies?: string[];
  changes?: number;
}

export interface Pod {
  name: string;
  namespace: string;
  uid: string;
  createdAt: string;
  phase?: string;
  deleting?: boolean;
  status?: string;
  message?: string;
  labels?: [string, string][];
  owners?: OwnerRef[];
  containers?: Container[];
  conditions?: Condition[];
  ip?: string;
  started?: boolean;
}

export type Reason = number;

export interface RowsMessage {
  type: "rows";
  rows: PageRow[];
}

export interface SessionView {
  version: string;
  startedAt: string;
  tiltfilePath: string;
  summary: Summary;
  done?: boolean;
  error?: string;
  snapshots?: boolean;
}

export interface Source {
  resource: string;
  span: string;
  level?: Level;
  progress?: string;
  build?: boolean;
  start?: boolean;
}

export type StepName = "acknowledge" | "apply" | "build" | "command" | "delete" | "evaluate" | "event" | "pack" | "plan" | "pod" | "push" | "ready" | "restart" | "run" | "send" | "wait";

export type Strategy = "command" | "evaluate" | "full" | "live";

export interface Summary {
  project?: string;
  context?: string;
  namespace?: string;
  clusterError?: string;
  counts?: [Dot, number][];
  broken?: string[];
  tiltfile?: Dot;
  warnings?: number;
  args?: string[];
}

export type Tone = "accent" | "busy" | "error" | "link" | "muted" | "ok" | "plain" | "strong" | "warn";

export interface UIBoolInputSpec {
  defaultValue?: boolean;
  trueString?: string | null;
  falseString?: string | null;
}

export interface UIBoolInputStatus {
  value?: boolean;
}

export interface UIButtonSpec {
  location?: UIComponentLocation;
  text?: string;
  iconName?: string;
  iconSVG?: string;
  disabled?: boolean;
  requiresConfirmation?: boolean;
  inputs?: UIInputSpec[];
}

export interface UIButtonStatus {
  lastClickedAt?: string | null;
  inputs?: UIInputStatus[];
}

export interface UIChoiceInputSpec {
  choices?: string[];
}

export interface UIChoiceInputStatus {
  value?: string;
}

export interface UIComponentLocation {
  componentID?: string;
  componentType?: string;
}

export interface UIHiddenInputSpec {
  value?: string;
}

export interface UIHiddenInputStatus {
  value?: string;
}

export interface UIInputSpec {
  name?: string;
  label?: string;
  text?: UITextInputSpec | null;
  bool?: UIBoolInputSpec | null;
  hidden?: UIHiddenInputSpec | null;
  choice?: UIChoiceInputSpec | null;
}

export interface UIInputStatus {
  name?: string;
  text?: UITextInputStatus | null;
  bool?: UIBoolInputStatus | null;
  hidden?: UIHiddenInputStatus | null;
  choice?: UIChoiceInputStatus | null;
}

export interface UITextInputSpec {
  defaultValue?: string;
  placeholder?: string;
}

export interface UITextInputStatus {
  value?: string;
}

export interface UnfollowMessage {
  type: "unfollow";
  id: number;
}

export interface Update {
  id: number;
  span: string;
  reason: Reason;
  strategy: Strategy;
  changedFiles?: string[];
  sequence?: number;
  note?: string;
  startedAt: string;
  finishedAt?: string;
  outcome?: Outcome;
  error?: string;
  warnings?: string[];
  seconds?: number;
  savedAt?: string;
  steps?: UpdateStep[];
}

export interface UpdateStep {
  name: StepName;
  subject?: string;
  begin?: number;
  seconds?: number;
}

export interface ViewMessage {
  type: "view";
  session: SessionView;
  order?: string[] | null;
  buttons?: ButtonView[] | null;
}

export type ServerMessage = RowsMessage | ViewMessage | BlocksMessage;

export type ClientMessage = FollowMessage | UnfollowMessage;

/** The reasons for an update: flag, text, and whether it stands alone. */
export const REASONS: readonly [number, string, boolean][] = [
  [1, "Changed Files", false],
  [2, "Config Changed", false],
  [8, "Initial Build", true],
  [16, "Web Trigger", true],
  [32, "CLI Trigger", true],
  [64, "HUD Trigger", true],
  [128, "Unknown Trigger", true],
  [256, "Tilt Args", false],
  [512, "Dependency Updated", false],
  [1024, "Container Replaced", false],
  [2048, "Changed In Cluster", false],
];
