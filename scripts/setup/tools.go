package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// A tool is a program of the machine's that a set-up uses.
type tool struct {
	name    string
	version func(context.Context) (string, error)
	// packages are what provides it, by package manager.
	packages map[string]string
}

// tools are all that a set-up may use; Go itself runs it.
var tools = []tool{
	{"go", goVersion, nil},
	{"gcc", ccVersion, map[string]string{"apt-get": "gcc libc6-dev", "dnf": "gcc glibc-devel", "pacman": "gcc", "zypper": "gcc glibc-devel", "brew": "gcc"}},
	{"python3", pythonVersion, map[string]string{"apt-get": "python3 python3-pip python3-venv", "dnf": "python3 python3-pip", "pacman": "python python-pip", "zypper": "python3 python3-pip", "brew": "python3"}},
}

func goVersion(ctx context.Context) (string, error) {
	return firstLine(exec.CommandContext(ctx, "go", "version"))
}

// ccVersion also compiles a program: a compiler may lack libc's headers.
func ccVersion(ctx context.Context) (string, error) {
	if err := compile(ctx, "#include <stdlib.h>\nint main(void) { return 0; }\n", "/dev/null"); err != nil {
		return "", err
	}
	return firstLine(cCompiler(ctx, "--version"))
}

// pythonVersion also asks for pip, which fetches the wheels, and for venv, in
// which the comparisons with Python run.
func pythonVersion(ctx context.Context) (string, error) {
	if out, err := exec.CommandContext(ctx, "python3", "-c", "import pip, venv, ensurepip").CombinedOutput(); err != nil {
		return "", errors.New(firstOf(lastLine(string(out)), err.Error()))
	}
	return firstLine(exec.CommandContext(ctx, "python3", "-m", "pip", "--version"))
}

func firstLine(cmd *exec.Cmd) (string, error) {
	out, err := cmd.Output()
	line, _, _ := strings.Cut(string(out), "\n")
	return line, err
}

// needTools names what the machine lacks, with the line that installs it.
func needTools(ctx context.Context, pip bool) error {
	var lacks, managers []string
	for _, m := range []string{"apt-get", "dnf", "pacman", "zypper", "brew"} {
		if _, err := exec.LookPath(m); err == nil {
			managers = append(managers, m)
		}
	}
	install := ""
	for _, t := range tools {
		if t.name == "python3" && !pip {
			continue
		}
		if _, err := t.version(ctx); err != nil {
			lacks = append(lacks, fmt.Sprintf("%s (%v)", t.name, err))
			if len(managers) > 0 && t.packages != nil {
				install += " " + t.packages[managers[0]]
			}
		}
	}
	if err := ctx.Err(); err != nil || lacks == nil {
		return err
	}
	hint := "install them with your system's package manager"
	if install != "" {
		verb := map[string]string{"pacman": " -S"}[managers[0]]
		hint = "install with: " + managers[0] + firstOf(verb, " install") + install
	}
	return fmt.Errorf("this machine lacks %s; %s", strings.Join(lacks, " and "), hint)
}
