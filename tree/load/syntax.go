package load

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	maxFile  = 4 << 20 // bytes
	maxDepth = 100     // of what is nested in one another
)

// normal is a file in UTF-8, without a byte order mark, and with the line ends of
// Unix: the parser counts lines in different ways otherwise.
func normal(data []byte) []byte {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
}

// parse reads the file as YAML; nil if that cannot be done.
func (d *decoder) parse(data []byte) ast.Node {
	start := pos{line: 1, col: 1, width: 1}
	if len(data) > maxFile {
		d.lines = nil
		d.problem(start, fmt.Sprintf("%d MiB is the most", maxFile>>20), "the file is too large")
		return nil
	}
	for i, line := range d.lines {
		if !utf8.ValidString(line) {
			before := strings.ToValidUTF8(line, "\x00")
			before, _, _ = strings.Cut(before, "\x00")
			d.problem(pos{i + 1, utf8.RuneCountInString(before) + 1, 1}, "save it in UTF-8", "the file is not in UTF-8")
			return nil
		}
	}
	file, err := parseTokens(string(data))
	if err != nil {
		d.syntax(err)
		return nil
	}
	return d.oneDocument(file)
}

// errBroken is what the parser cannot say the place of.
var errBroken = errors.New("this is not YAML")

type depthError struct{ at *token.Token }

func (*depthError) Error() string { return "" }

func parseTokens(text string) (file *ast.File, err error) {
	defer func() {
		if recover() != nil { // the parser is not to be trusted with everything
			file, err = nil, errBroken
		}
	}()
	tokens := lexer.Tokenize(text)
	if t := tooDeep(tokens); t != nil {
		return nil, &depthError{t}
	}
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// tooDeep returns the token with which things are nested too deeply: the parser is
// recursive, and takes time with the square of the depth. Nesting by indentation
// is bounded by the size of the file.
func tooDeep(tokens token.Tokens) *token.Token {
	depth, run := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			depth++
			run++
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType, token.AnchorType, token.TagType:
			run++
		case token.MappingEndType, token.SequenceEndType:
			depth--
			run = 0
		default:
			run = 0
		}
		if depth > maxDepth || run > maxDepth {
			return t
		}
	}
	return nil
}

func (d *decoder) syntax(err error) {
	var wrong *yaml.SyntaxError
	var deep *depthError
	switch {
	case errors.As(err, &deep):
		d.problem(d.tokenPos(deep.at), fmt.Sprintf("%d levels are the most", maxDepth), "this is nested too deeply")
	case errors.As(err, &wrong) && wrong.Token != nil:
		at := d.tokenPos(wrong.Token)
		message, hint := explain(wrong.Message)
		line := strings.TrimSpace(d.lines[at.line-1])
		switch {
		case strings.Contains(line, "${"):
			hint = "put a value with ${…} in quotes"
		case strings.Contains(line, "\t") && strings.Contains(line, `"`): // which the parser takes amiss within [ ]
			hint = `write \t in place of a tab between double quotes`
		}
		d.problem(at, hint, "%s", message)
	default:
		d.problem(pos{line: 1, col: 1, width: 1}, "look for brackets and quotes without their partner", "%v", errBroken)
	}
}

// explain puts what the parser says into the words of who writes the file.
func explain(message string) (_, hint string) {
	for _, known := range []struct{ says, message, hint string }{
		{"mapping value is not allowed in this context", "a key is not expected here", `keys of the same thing are indented alike; a text with ": " in it needs quotes`},
		{"non-map value is specified", "a key with a colon is expected here", "keys of the same thing are indented alike"},
		{"value is not allowed in this context", "no value is expected here", "indent it under the key it belongs to"},
		{"tab character", "there is a tab in the indentation", "indent by spaces"},
		{"found character '\t'", "there is a tab in the indentation", "indent by spaces"},
		{"sequence end token ']' not found", "the list has no end", "close it with ]"},
		{"could not find flow map", "the mapping has no end", "close it with }"},
		{"',' or '}' must be specified", "a comma or } is missing here", ""},
		{"',' or ']' must be specified", "a comma or ] is missing here", ""},
		{"could not find end character of", "the text has no end", "close it with the quote it begins with"},
		{"undefined anchor value", "the anchor is followed by nothing", ""},
		{"unexpected scalar value", "this is no value", "a text that begins with one of * & ! | > % @ ` needs quotes"},
		{"found an invalid key", "this cannot be a key", "keys are texts"},
	} {
		if strings.Contains(message, known.says) {
			return known.message, known.hint
		}
	}
	return "this is not YAML: " + message, ""
}

// oneDocument returns the body of the only document.
func (d *decoder) oneDocument(file *ast.File) ast.Node {
	var body ast.Node
	for _, doc := range file.Docs {
		if _, directive := doc.Body.(*ast.DirectiveNode); doc.Body == nil || directive {
			continue
		}
		if body != nil {
			d.problem(d.start(doc.Body), "give each tree a file of its own", "a second document begins here")
			return nil
		}
		body = doc.Body
	}
	if body == nil {
		d.problem(pos{line: 1, col: 1, width: 1}, "it begins with the key children, or name", "the file has nothing in it")
	}
	return body
}

// start is the place where a value begins: for a mapping in block style that is its
// first key, and not the colon after it.
func (d *decoder) start(n ast.Node) pos {
	switch n := n.(type) {
	case nil:
		return pos{line: 1, col: 1, width: 1}
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return d.tokenPos(n.Values[0].Key.GetToken())
		}
	case *ast.MappingValueNode:
		return d.tokenPos(n.Key.GetToken())
	}
	return d.tokenPos(n.GetToken())
}

// tokenPos is the place of a token: what of it is on its first line.
func (d *decoder) tokenPos(t *token.Token) pos {
	if t == nil || t.Position == nil {
		return pos{line: 1, col: 1, width: 1}
	}
	origin, _, _ := strings.Cut(strings.TrimSpace(t.Origin), "\n")
	p := pos{line: t.Position.Line, col: max(1, t.Position.Column), width: max(1, utf8.RuneCountInString(strings.TrimSpace(origin)))}
	p.line = min(max(1, p.line), len(d.lines))
	p.col = min(p.col, utf8.RuneCountInString(d.lines[p.line-1])+1)
	return p
}
