//go:build windows

package config

// permissionsMatter: access on Windows is by ACL, inherited from the user's profile.
const permissionsMatter = false
