// KaTeX as a service on pipes: one JSON request a line on stdin, one JSON answer a line on stdout.
const katex = require('katex');
const lines = require('readline').createInterface({ input: process.stdin });

lines.on('line', (line) => {
  const { tex, display } = JSON.parse(line);
  let answer;
  try {
    const options = { displayMode: display, throwOnError: true, strict: 'ignore', output: 'htmlAndMathml' };
    answer = { html: katex.renderToString(tex, options) };
  } catch (error) {
    answer = { error: String(error.message || error) };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
});
