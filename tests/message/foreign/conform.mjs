// node conform.mjs FILE... : JSON of what html-validate says of each file: [rule, message, line].
import { HtmlValidate, StaticConfigLoader } from "html-validate";
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const loader = new StaticConfigLoader({ root: true, extends: ["html-validate:standard", "html-validate:a11y"] });
const validator = new HtmlValidate(loader);
const found = {};
for (const file of process.argv.slice(2)) {
  const report = await validator.validateString(readFileSync(file, "utf8"));
  found[basename(file)] = report.results.flatMap((result) =>
    result.messages.map((each) => [each.ruleId, each.message, each.line]),
  );
}
console.log(JSON.stringify(found));
