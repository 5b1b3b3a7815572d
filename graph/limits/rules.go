package limits

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// Rules returns gqlparser's validation rules for gqlgen's SetValidationRulesFn,
// changed to stop after that many errors. Without the stop, an error inside a
// fragment is found again from each definition that reaches it, and each time
// the known names are searched for similar ones. suggest must be the opposite
// of what SetDisableSuggestion was given. Values are left to package coercion,
// which judges literals and variables alike.
func Rules(errors int, suggest bool) func() *rules.Rules {
	return func() *rules.Rules {
		defaults := Defaults()
		defaults.RemoveRule(rules.ValuesOfCorrectTypeRule.Name)
		defaults.AddRule("DeferLabels", deferLabels)
		defaults.AddRule("SurrogatePairs", surrogatePairs)
		if !suggest {
			withoutSuggestions(defaults)
		}
		found := 0
		stopping := rules.NewRules(core.Rule{Name: "Stop", RuleFunc: func(observers *core.Events, _ core.AddErrFunc) {
			stopAfter(observers, &found, errors)
		}})
		for name, rule := range defaults.GetInner() {
			stopping.AddRule(name, func(observers *core.Events, addError core.AddErrFunc) {
				rule(observers, func(options ...core.ErrorOption) {
					if found++; found <= errors {
						addError(options...)
					}
				})
			})
		}
		return stopping
	}
}

// Defaults returns gqlparser's validation rules, changed to accept what earlier versions
// of the schema accepted.
func Defaults() *rules.Rules {
	defaults := rules.NewDefaultRules()
	defaults.ReplaceRule(rules.VariablesInAllowedPositionRule.Name, variablePositions)
	return defaults
}

// formerTypes are the types that an input had before it became a list. A variable of the
// former type is still accepted, and its value counts as a list of one, although the
// specification allows that only for literals.
var formerTypes = map[string]string{"[LeadOrder!]": "LeadOrder"}

// variablePositions is gqlparser's rule for the types of variables, with formerTypes.
func variablePositions(observers *core.Events, addError core.AddErrFunc) {
	observers.OnValue(func(_ *core.Walker, value *ast.Value) {
		if value.Kind != ast.Variable || value.ExpectedType == nil || value.VariableDefinition == nil {
			return
		}
		if former := formerTypes[value.ExpectedType.String()]; former != "" && value.VariableDefinition.Type.NamedType == former {
			value.ExpectedType = ast.NamedType(former, nil)
		}
	})
	rules.VariablesInAllowedPositionRule.RuleFunc(observers, addError)
}

// deferLabels refuses labels of @defer that are not literal strings or not unique
// in the document, as DeferStreamDirectiveLabelRule of graphql-js does. A client
// could not tell such parts of a response apart.
func deferLabels(observers *core.Events, addError core.AddErrFunc) {
	labelled, seen := map[string]bool{}, map[*ast.Directive]bool{}
	observers.OnDirective(func(_ *core.Walker, directive *ast.Directive) {
		label := directive.Arguments.ForName("label")
		if directive.Name != "defer" || label == nil || seen[directive] {
			return
		}
		seen[directive] = true // the walker meets those of a fragment once for each spread
		if label.Value.Kind != ast.StringValue && label.Value.Kind != ast.BlockValue {
			addError(core.Message("The label of @defer must be a literal string."), core.At(directive.Position))
			return
		}
		if labelled[label.Value.Raw] {
			addError(core.Message("The labels of @defer must be unique."), core.At(directive.Position))
			return
		}
		labelled[label.Value.Raw] = true
	})
}

// escapes matches the escapes of a string that can contain those of surrogates: an
// escaped backslash, a pair of surrogates, and half of one.
var escapes = regexp.MustCompile(`\\\\|\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|\\u[dD][89a-fA-F]\w\w`)

const half = len(`\ud83d`)

// surrogatePairs refuses strings with half of a surrogate pair, as graphql-js does.
// gqlparser reads another character in its place.
func surrogatePairs(observers *core.Events, addError core.AddErrFunc) {
	var text []rune // of the document, as positions count
	seen := map[*ast.Value]bool{}
	observers.OnValue(func(_ *core.Walker, value *ast.Value) {
		if value.Kind != ast.StringValue || !strings.ContainsRune(value.Raw, utf8.RuneError) || seen[value] {
			return
		}
		seen[value] = true
		if text == nil {
			text = []rune(value.Position.Src.Input)
		}
		for _, escape := range escapes.FindAllString(string(text[value.Position.Start:value.Position.End]), -1) {
			if len(escape) == half {
				addError(core.Message("A string contains half of a surrogate pair."), core.At(value.Position))
				return
			}
		}
	})
}

// withoutSuggestions replaces the rules whose messages name parts of the
// schema. gqlgen replaces two of them itself, under the same names.
func withoutSuggestions(defaults *rules.Rules) {
	for _, exchange := range []struct {
		suggesting string
		silent     core.Rule
	}{
		{rules.FieldsOnCorrectTypeRule.Name, rules.FieldsOnCorrectTypeRuleWithoutSuggestions},
		{rules.ScalarLeafsRule.Name, rules.ScalarLeafsRuleWithoutSuggestions},
		{rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions},
		{rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions},
	} {
		defaults.RemoveRule(exchange.suggesting)
		defaults.AddRule(exchange.silent.Name, exchange.silent.RuleFunc)
	}
}

// stopAfter clears the walker's observers once enough errors were found, which
// makes the rest of the walk a no-op.
func stopAfter(observers *core.Events, found *int, errors int) {
	stop := func(walker *core.Walker) {
		if *found >= errors {
			walker.Observers = &core.Events{}
		}
	}
	observers.OnOperation(func(w *core.Walker, _ *ast.OperationDefinition) { stop(w) })
	observers.OnField(func(w *core.Walker, _ *ast.Field) { stop(w) })
	observers.OnFragment(func(w *core.Walker, _ *ast.FragmentDefinition) { stop(w) })
	observers.OnInlineFragment(func(w *core.Walker, _ *ast.InlineFragment) { stop(w) })
	observers.OnFragmentSpread(func(w *core.Walker, _ *ast.FragmentSpread) { stop(w) })
	observers.OnDirective(func(w *core.Walker, _ *ast.Directive) { stop(w) })
	observers.OnDirectiveList(func(w *core.Walker, _ []*ast.Directive) { stop(w) })
	observers.OnValue(func(w *core.Walker, _ *ast.Value) { stop(w) })
	observers.OnVariable(func(w *core.Walker, _ *ast.VariableDefinition) { stop(w) })
}
