// The command serve: writes the credentials of a throw-away control plane into its directory, starts etcd and
// kube-apiserver, and says when it is ready. It listens on loopback only, and keeps nothing outside its directory.

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

const (
	adminToken = "admin" // loopback and a throw-away directory only
	caFile     = "pki/ca.crt"
	certFile   = "pki/apiserver.crt"
	certKey    = "pki/apiserver.key"
	signingKey = "pki/service-account.key"
	tokenFile  = "pki/tokens.csv"
)

func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	dir := flags.String("dir", "", "directory for all state; made if missing")
	port := flags.Int("port", 0, "port on 127.0.0.1; 0 takes a free one")
	controllers := flags.Bool("controllers", true, "run the EndpointSlice and namespace controllers")
	tied := flags.Bool("tied", false, "end, and remove the directory, when standard input ends")
	flags.Parse(args)
	if *dir == "" {
		return fmt.Errorf("serve: -dir is missing")
	}
	if err := os.MkdirAll(filepath.Join(*dir, "pki"), 0o700); err != nil {
		return err
	}
	if err := os.Chdir(*dir); err != nil {
		return err
	}
	if *tied {
		go endWithInput()
	}
	if *port == 0 {
		free, err := freePort()
		if err != nil {
			return err
		}
		*port = free
	}
	if err := writeCredentials(); err != nil {
		return err
	}
	config, err := writeKubeconfig(*port)
	if err != nil {
		return err
	}
	etcd, err := startEtcd()
	if err != nil {
		return err
	}
	defer etcd.Close()

	command := app.NewAPIServerCommand() // its context ends on SIGTERM and SIGINT
	command.SetArgs(append([]string{
		"--etcd-servers=" + etcdClient,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(*port),
		"--advertise-address=192.0.2.1", // TEST-NET-1: only ever stored, in default/kubernetes
		"--tls-cert-file=" + certFile,
		"--tls-private-key-file=" + certKey,
		"--token-auth-file=" + tokenFile,
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-signing-key-file=" + signingKey,
		"--service-account-key-file=" + signingKey,
		"--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112",
		// Pods need no ServiceAccount: its controller is not part of this.
		"--disable-admission-plugins=ServiceAccount",
	}, flags.Args()...))
	go func() {
		if err := afterReady(command.Context(), config, *controllers); err != nil {
			fmt.Fprintln(os.Stderr, "apiserver:", err)
			os.Exit(1)
		}
	}()
	return command.Execute()
}

// afterReady waits for /readyz, starts the controllers and reports.
func afterReady(ctx context.Context, config *rest.Config, controllers bool) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		err := client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not ready after a minute: %w", err)
		}
	}
	if controllers {
		if err := startControllers(ctx, config); err != nil {
			return err
		}
	}
	fmt.Println("ready", config.Host)
	return nil
}

// endWithInput ends the process with whoever holds the other end of its standard input, however that one ended:
// a test that is killed leaves no server and no directory behind.
func endWithInput() {
	io.Copy(io.Discard, os.Stdin)
	if dir, err := os.Getwd(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(0)
}

// writeCredentials makes what the first start needs and later starts find again.
func writeCredentials() error {
	if _, err := os.Stat(tokenFile); err == nil {
		return nil
	}
	certPEM, keyPEM, err := cert.GenerateSelfSignedCertKey("localhost",
		[]net.IP{net.IPv4(127, 0, 0, 1)},
		[]string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"})
	if err != nil {
		return err
	}
	_, caPEM := pem.Decode(certPEM) // the certificate comes first, then the authority that signed it
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	signerPEM, err := keyutil.MarshalPrivateKeyToPEM(signer)
	if err != nil {
		return err
	}
	// The token file comes last: its presence says that the others are complete.
	for _, file := range []struct {
		path string
		data []byte
	}{
		{caFile, caPEM},
		{certFile, certPEM},
		{certKey, keyPEM},
		{signingKey, signerPEM},
		{tokenFile, []byte(adminToken + ",admin,admin,system:masters\n")},
	} {
		if err := os.WriteFile(file.path, file.data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// writeKubeconfig writes DIR/kubeconfig for the admin and returns the same as a client configuration.
func writeKubeconfig(port int) (*rest.Config, error) {
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters["test"] = &clientcmdapi.Cluster{
		Server:                   fmt.Sprintf("https://127.0.0.1:%d", port),
		CertificateAuthorityData: ca,
	}
	kubeconfig.AuthInfos["admin"] = &clientcmdapi.AuthInfo{Token: adminToken}
	kubeconfig.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "admin"}
	kubeconfig.CurrentContext = "test"
	if err := clientcmd.WriteToFile(*kubeconfig, "kubeconfig"); err != nil {
		return nil, err
	}
	return clientcmd.NewDefaultClientConfig(*kubeconfig, nil).ClientConfig()
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
