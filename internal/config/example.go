package config

import _ "embed"

// Example is a configuration with every setting and what it does; a test reads it back.
//
//go:embed example.yaml
var Example string
