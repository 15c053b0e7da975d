/*
 * usage: node parse.cjs MODULES hcl|bicep FILE
 *
 * Reads a file by a real parser of its language (MODULES is where tools/install-npm put them) and
 * prints it as JSON. Exit 1: it is not of that language, with the place.
 *
 *   hcl    as hcl2json has it: blocks are objects in lists by type and labels; escapes of templates
 *          stay as written
 *   bicep  {"resources": [{"symbol", "type", "body"}], "parameters": […]}; an expression that is no
 *          literal is {"expression": text}
 */
'use strict';

const fs = require('fs');
const path = require('path');

const [modules, language, file] = process.argv.slice(2);

async function readHcl(text) {
  const {parse} = require(path.join(modules, '@cdktf/hcl2json'));
  return parse(path.basename(file), text);
}

function firstError(node) {
  if (node.isError || node.isMissing) return node;
  for (const child of node.children) {
    const found = child.hasError ? firstError(child) : null;
    if (found) return found;
  }
  return node.hasError ? node : null;
}

const ESCAPES = {n: '\n', r: '\r', t: '\t'};

function unescape(text) {
  const wide = /^\\u\{([0-9a-fA-F]+)\}$/.exec(text);
  if (wide) return String.fromCodePoint(parseInt(wide[1], 16));
  return ESCAPES[text[1]] || text[1];
}

/* Of the grammar's parts of a string, the escape of '$' is not among the tree's nodes. */
function stringOf(node) {
  if (node.namedChildren.some((part) => part.type === 'interpolation')) return {expression: node.text};
  return node.text.slice(1, -1).replace(/\\(u\{[^}]*\}|.)/g, unescape);
}

function valueOf(node) {
  switch (node.type) {
    case 'string': return stringOf(node);
    case 'number': return Number(node.text);
    case 'boolean': return node.text === 'true';
    case 'array': return node.namedChildren.map(valueOf);
    case 'object': return Object.fromEntries(node.namedChildren.map((property) => {
      const [key, value] = property.namedChildren;
      return [key.text, valueOf(value)];
    }));
    default: return {expression: node.text};
  }
}

async function readBicep(text) {
  const {Parser, Language} = require(path.join(modules, 'web-tree-sitter/web-tree-sitter.cjs'));
  await Parser.init();
  const parser = new Parser();
  parser.setLanguage(await Language.load(path.join(modules, 'tree-sitter-bicep/tree-sitter-bicep.wasm')));
  const root = parser.parse(text).rootNode;
  const wrong = root.hasError ? firstError(root) : null;
  if (wrong) throw new Error(`line ${wrong.startPosition.row + 1}: ${wrong.text.slice(0, 60)}`);
  const declarations = (type) => root.namedChildren.filter((node) => node.type === type);
  return {
    resources: declarations('resource_declaration').map((node) => {
      const [symbol, type, body] = node.namedChildren;
      return {symbol: symbol.text, type: stringOf(type), body: valueOf(body)};
    }),
    parameters: declarations('parameter_declaration').map((node) => node.namedChildren[0].text),
  };
}

const readers = {hcl: readHcl, bicep: readBicep};

readers[language](fs.readFileSync(file, 'utf8'))
  .then((value) => console.log(JSON.stringify(value)))
  .catch((error) => {
    console.error(`${file}: ${error.message || error}`);
    process.exit(1);
  });
