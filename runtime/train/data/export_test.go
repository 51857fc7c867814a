package data

// CommandWithin is what tests need of scorers that do not answer.
var CommandWithin = commandWithin
