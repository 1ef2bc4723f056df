// Verify DKIM signatures with mailauth: node verify.js KEYS.json FOLDER
// KEYS.json maps a record's name to its text, in place of the DNS. Prints, for each file of the
// folder, selector -> result, as one JSON document.
'use strict';

const fs = require('fs');
const path = require('path');
const { dkimVerify } = require('mailauth/lib/dkim/verify');

async function main() {
    const [keysFile, folder] = process.argv.slice(2);
    const keys = JSON.parse(fs.readFileSync(keysFile, 'utf8'));
    const resolver = async name => {
        if (keys[name]) {
            return [[keys[name]]];
        }
        const error = new Error(`no record ${name}`);
        error.code = 'ENOTFOUND';
        throw error;
    };
    const found = {};
    for (const name of fs.readdirSync(folder)) {
        const { results } = await dkimVerify(fs.readFileSync(path.join(folder, name)), { resolver });
        found[name] = Object.fromEntries(results.map(each => [each.selector, each.status.result]));
    }
    console.log(JSON.stringify(found));
}

main();
