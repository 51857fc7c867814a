package main

import (
	"debug/buildinfo"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/release"
)

// bill is a bill of materials in the form of CycloneDX 1.5, as far as it is used here.
type bill struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

// component is a module. The property has its hash as go.sum does.
type component struct {
	Type       string     `json:"type"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	URL        string     `json:"purl"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// bill writes which modules are in the programs, of all platforms, as the programs themselves tell.
func (j *job) bill(work string) error {
	list := map[string]component{}
	paths, err := filepath.Glob(filepath.Join(work, "*", "*"))
	if err != nil {
		return err
	}
	toolchain := ""
	for _, path := range paths {
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			return err
		}
		toolchain = info.GoVersion
		for _, d := range info.Deps {
			list[d.Path] = component{"library", d.Path, d.Version, "pkg:golang/" + d.Path + "@" + d.Version, []property{{"go:sum", d.Sum}}}
		}
	}
	std := component{Type: "library", Name: "std", Version: strings.TrimPrefix(toolchain, "go"), URL: "pkg:golang/std@" + strings.TrimPrefix(toolchain, "go")}
	b := bill{
		Format: "CycloneDX", Spec: "1.5", Version: 1,
		Metadata:   metadata{component{Type: "application", Name: modulePath, Version: "v" + release.Version, URL: "pkg:golang/" + modulePath + "@v" + release.Version}},
		Components: []component{std},
	}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		b.Components = append(b.Components, list[name])
	}
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(j.out, "autotailor_"+release.Version+"_sbom.cdx.json"), append(text, '\n'), 0o644)
}
