package strategies

import "fmt"

// enumName is the String method of this package's small enums.
func enumName(names []string, i int, typ string) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s(%d)", typ, i)
}

// The enums that are part of what others write down have their names as text.

func (s Strategy) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
func (r Restart) MarshalText() ([]byte, error)  { return []byte(r.String()), nil }
func (c Class) MarshalText() ([]byte, error)    { return []byte(c.String()), nil }
func (k Kind) MarshalText() ([]byte, error)     { return []byte(k.String()), nil }
func (s State) MarshalText() ([]byte, error)    { return []byte(s.String()), nil }
