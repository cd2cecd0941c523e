// Package bec holds the words of a case of business email compromise: its evidence, how far that was read, its
// findings and its result. collect reads the evidence, judge says what it means, respond takes the attacker's things
// away, report writes it down.
package bec
