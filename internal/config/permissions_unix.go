//go:build !windows

package config

// permissionsMatter: file modes mean something on this system.
const permissionsMatter = true
