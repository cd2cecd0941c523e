package main

var securityCapabilities = map[string]capability{}
