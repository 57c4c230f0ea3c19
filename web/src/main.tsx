import { render } from "preact";
import { connect } from "./channel";
import { Shell } from "./shell";
import "./style.css";

connect();
const root = document.getElementById("app");
if (root) {
  root.textContent = ""; // what was drawn before the script came
  render(<Shell />, root);
}
