package main

var lifecycleCapabilities = map[string]capability{}
