// Command apiserver runs etcd, kube-apiserver and the few controllers that
// Service discovery needs in one process on loopback, for tests.
//
//	apiserver serve -dir DIR [-port N] [-tied] [-- kube-apiserver flags]
//	apiserver compact -dir DIR
//	apiserver kubectl ...
//
// serve keeps all of its state in DIR: DIR/kubeconfig is for the admin,
// DIR/pki/ca.crt is what clients trust. It prints "ready URL" on standard output
// once /readyz is ok. Start it again with the same DIR and port to model a
// restarted control plane; with -tied it ends when its standard input does. Arguments after -- go to kube-apiserver and win over
// those set here.
//
// compact makes etcd forget all history before now.
package main

import (
	"context"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "apiserver:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("want a command: serve, compact or kubectl")
	}
	switch args[0] {
	case "serve":
		return serve(args[1:])
	case "compact":
		return compact(context.Background(), args[1:])
	case "kubectl":
		return kubectl(args[1:])
	}
	return fmt.Errorf("unknown command %q: want serve, compact or kubectl", args[0])
}
