package strategies

import "testing"

// TranscriptsOf returns the transcripts that cite a rule, by path.
func TranscriptsOf(t *testing.T, rule string) []string {
	var cite []string
	for _, path := range transcriptFiles(t) {
		for _, cited := range rulesIn(heading(t, path)) {
			if cited == rule {
				cite = append(cite, path)
				break
			}
		}
	}
	return cite
}

// PlayTranscript plays one.
func PlayTranscript(t *testing.T, path string) { playTranscript(t, path) }

// StartOrder returns the ids of a machine's children, in start order.
func StartOrder(m *Machine) []string { return ids(m.from(m.first, nil)) }
