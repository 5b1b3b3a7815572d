package backend

// RenewCursorKeys replaces Options.CursorKey, CursorKeyPrevious and SecretPrevious while
// the platform is in use. Cursors made with the present key are accepted for a day, as are
// those of the previous ones. The ids that leadgraph makes stay the same until a restart.
func (p *Platform) RenewCursorKeys(key, previous []byte, secretPrevious string) error {
	o := p.options
	o.CursorKey, o.CursorKeyPrevious, o.SecretPrevious = key, previous, secretPrevious
	keys, err := o.cursorKeys()
	if err != nil {
		return err
	}
	p.cursors.Renew(keys.key, keys.previous...)
	return nil
}

// RenewShared replaces the URL and the key of the store that replicas share. It does
// nothing if there is none.
func (p *Platform) RenewShared(url string, key []byte) error {
	if p.shared == nil {
		return nil
	}
	if err := p.shared.Rekey(key); err != nil {
		return err
	}
	return p.shared.Move(url)
}
