//go:build race

package jobs

const underRace = true
