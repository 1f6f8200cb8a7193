package load

import (
	"encoding/json"
	"slices"
)

// block is a section, whatever it is read into.
type block interface {
	title() string
	text() string
	what() string
	infos() []info
	schema() schema
}

func (s *section[T]) title() string { return s.name }
func (s *section[T]) text() string  { return s.doc }
func (s *section[T]) what() string  { return s.noun }

// blocks are all sections that have a name.
func blocks() []block {
	return []block{
		&rootSection, &nestedSection, &programSection, &intensitySection, &backoffSection, &readySection, &aliveSection,
		&stopSection, &supervisorStopSection, &limitsSection, &logSection,
	}
}

// keyElsewhere names the sections that have a key.
func keyElsewhere(name string) (titles []string) {
	for _, b := range blocks() {
		if slices.Contains(names(b.infos()), name) {
			titles = append(titles, b.what())
		}
	}
	return titles
}

// schema is what a JSON Schema can say of the section.
func (s *section[T]) schema() schema {
	properties, needed, dependent := schema{}, []string{}, schema{}
	var all []schema
	for _, k := range s.infos() {
		p := schema{"description": k.doc}
		for key, v := range k.schema {
			p[key] = v
		}
		properties[k.name] = p
		if k.required {
			needed = append(needed, k.name)
		}
		switch {
		case len(k.with) == 1:
			dependent[k.name] = k.with
		case len(k.with) > 1:
			all = append(all, schema{"if": schema{"required": []string{k.name}}, "then": schema{"anyOf": eachRequired(k.with)}})
		}
	}
	m := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(needed) > 0 {
		m["required"] = needed
	}
	if len(dependent) > 0 {
		m["dependentRequired"] = dependent
	}
	if s.choice != nil {
		m["oneOf"] = eachRequired(s.choice)
	}
	if all != nil {
		m["allOf"] = all
	}
	if s.doc != "" {
		m["description"] = s.doc
	}
	return m
}

func eachRequired(keys []string) []schema {
	list := make([]schema, len(keys))
	for i, k := range keys {
		list[i] = schema{"required": []string{k}}
	}
	return list
}

// Schema is the JSON Schema (draft 2020-12) of the file: for editors, and for other
// programs that make such files. It accepts all that Parse accepts, and refuses
// what Parse refuses as far as a schema can see it: not, for example, an id that is
// there twice.
func Schema() []byte {
	s := rootSection.schema()
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "coppice tree"
	s["patternProperties"] = schema{"^x-": true}
	defs := schema{"child": schema{
		"if":   schema{"required": []string{"children"}},
		"then": schema{"$ref": "#/$defs/" + nestedSection.name},
		"else": schema{"$ref": "#/$defs/" + programSection.name},
	}}
	for _, b := range blocks()[1:] {
		defs[b.title()] = b.schema()
	}
	s["$defs"] = defs
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // it is made of strings and numbers
	}
	return append(data, '\n')
}
