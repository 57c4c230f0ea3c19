import { render } from "preact";
import { connect } from "./channel";
import { Shell } from "./shell";
import "./style.css";

const root = document.getElementById("app");
if (root) render(<Shell />, root);
connect();
