package strategies

import (
	"fmt"
	"slices"
	"strings"
)

// enumName is the String method of this package's small enums.
func enumName(names []string, i int, typ string) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s(%d)", typ, i)
}

// enumValue is the way back; typ names the enum in the error.
func enumValue[E ~uint8](names []string, text []byte, typ string) (E, error) {
	if i := slices.Index(names, string(text)); i >= 0 {
		return E(i), nil
	}
	return 0, fmt.Errorf("%q is no %s; there are %s", text, typ, strings.Join(names, ", "))
}

// The enums that are part of what others write down have their names as text.

func (s Strategy) MarshalText() ([]byte, error)     { return []byte(s.String()), nil }
func (r Restart) MarshalText() ([]byte, error)      { return []byte(r.String()), nil }
func (c Class) MarshalText() ([]byte, error)        { return []byte(c.String()), nil }
func (a AutoShutdown) MarshalText() ([]byte, error) { return []byte(a.String()), nil }
func (k Kind) MarshalText() ([]byte, error)         { return []byte(k.String()), nil }
func (s State) MarshalText() ([]byte, error)        { return []byte(s.String()), nil }

func (c Change) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

func (s *Strategy) UnmarshalText(text []byte) (err error) {
	*s, err = enumValue[Strategy](strategyNames[:], text, "strategy")
	return err
}

func (r *Restart) UnmarshalText(text []byte) (err error) {
	*r, err = enumValue[Restart](restartNames[:], text, "restart type")
	return err
}

func (c *Class) UnmarshalText(text []byte) (err error) {
	*c, err = enumValue[Class](classNames[:], text, "exit class")
	return err
}

func (a *AutoShutdown) UnmarshalText(text []byte) (err error) {
	*a, err = enumValue[AutoShutdown](autoShutdownNames[:], text, "auto_shutdown")
	return err
}

func (k *Kind) UnmarshalText(text []byte) (err error) {
	*k, err = enumValue[Kind](kindNames[:], text, "child type")
	return err
}

func (s *State) UnmarshalText(text []byte) (err error) {
	*s, err = enumValue[State](stateNames[:], text, "state")
	return err
}

func (c *Change) UnmarshalText(text []byte) (err error) {
	*c, err = enumValue[Change](changeNames[:], text, "change")
	return err
}
