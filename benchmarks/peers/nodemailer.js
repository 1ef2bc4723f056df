// Sends COUNT messages of one size through a pooled nodemailer transport.
// usage: node nodemailer.js PORT COUNT CONNECTIONS TEXTFILE HTMLFILE
const fs = require("fs");
const nodemailer = require("nodemailer");

const [port, count, connections, textFile, htmlFile] = process.argv.slice(2);
const text = fs.readFileSync(textFile, "utf8");
const html = fs.readFileSync(htmlFile, "utf8");
const transport = nodemailer.createTransport({
  host: "127.0.0.1",
  port: Number(port),
  pool: true,
  maxConnections: Number(connections),
  maxMessages: Infinity,
  ignoreTLS: true,
});

let next = 0;
let sent = 0;
async function worker() {
  while (next < Number(count)) {
    const n = next++;
    await transport.sendMail({
      from: "Press Office <press@example.org>",
      to: `"Ada N${n}" <j${n}@example.com>`,
      subject: "A release for the benchmark",
      text: text.replace("SLOT", `Ada N${n}`),
      html: html.replace("SLOT", `Ada N${n}`),
      list: { unsubscribe: { url: `https://press.example.org/u/${n}`, comment: "" } },
    });
    sent++;
  }
}
Promise.all(Array.from({ length: Number(connections) * 2 }, worker)).then(() => {
  transport.close();
  console.log(sent);
});
