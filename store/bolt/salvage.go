package bolt

import (
	"errors"
	"os"
)

// A Salvage tells what [WithSalvage] has done.
type Salvage struct {
	// Damage is what was found when the file was opened: a [*CorruptError].
	Damage error

	// Path is where the damaged file is now. Its journal, if it had one, is beside it.
	Path string

	// Rescued counts the records that were brought into the new file, before what the
	// journal had was moved there too.
	Rescued int

	// Dropped counts the records that were found and not rescued, because they are
	// damaged or may not be alive any more. Lost counts the parts of the file in which
	// no records could be found: pages, and what only they lead to.
	Dropped, Lost int

	// Empty is why nothing at all was rescued, or nil. The new file has no records then.
	Empty error
}

// errForeign says that a file is to be left where it is.
var errForeign = errors.New("there is no sign that it was a bbolt database")

// salvage replaces a damaged file, which was info, by a new one with what can be
// rescued. It reports false if somebody else has replaced it by now.
func (o *opening) salvage(info os.FileInfo) (report Salvage, done bool, err error) {
	defer func() {
		if o.file != nil {
			_ = release(o.file)
		}
	}()
	if err := o.lock(); err != nil {
		return report, false, err
	}
	if now, err := o.file.Stat(); err != nil || !os.SameFile(info, now) {
		return report, false, err
	}
	found, err := o.survey()
	if err != nil {
		return report, false, err
	}
	temp := o.real + tempSuffix
	if report, err = o.rescue(temp, found); err != nil {
		_ = os.Remove(temp)
		return report, false, err
	}
	if report.Path, err = o.exchange(temp); err != nil {
		_ = os.Remove(temp)
		return report, false, err
	}
	return report, true, nil
}

// survey looks at what there is in the file.
func (o *opening) survey() (*survey, error) {
	info, err := o.file.Stat()
	if err != nil {
		return nil, err
	}
	if o.stale, err = mend(o.file, info.Size()); err != nil {
		return nil, err
	}
	m, err := newestMeta(o.file)
	if err == nil {
		return surveyed(o.file, info.Size(), m, o.names), nil
	}
	if !wasDatabase(o.file) {
		return nil, errForeign
	}
	return &survey{err: err}, nil
}
