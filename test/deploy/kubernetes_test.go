package deploy_test

import (
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const manifests = root + "/deploy/kubernetes"

// cluster holds the objects that `kubectl apply -k` would send.
type cluster struct {
	deployments map[string]*appsv1.Deployment
	services    []*corev1.Service
	configs     map[string]*corev1.ConfigMap
	budgets     []*policyv1.PodDisruptionBudget
	networks    []*networkingv1.NetworkPolicy
	namespaces  []*corev1.Namespace
}

// build runs kustomize and decodes each object strictly: a field that the API does
// not know is an error.
func build(t *testing.T) cluster {
	t.Helper()
	objects, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), manifests)
	if err != nil {
		t.Fatal(err)
	}
	c := cluster{deployments: map[string]*appsv1.Deployment{}, configs: map[string]*corev1.ConfigMap{}}
	for _, object := range objects.Resources() {
		text, err := object.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		switch kind := object.GetKind(); kind {
		case "Deployment":
			c.deployments[object.GetName()] = decode[appsv1.Deployment](t, text)
		case "Service":
			c.services = append(c.services, decode[corev1.Service](t, text))
		case "ConfigMap":
			config := decode[corev1.ConfigMap](t, text)
			c.configs[config.Name] = config
		case "PodDisruptionBudget":
			c.budgets = append(c.budgets, decode[policyv1.PodDisruptionBudget](t, text))
		case "NetworkPolicy":
			c.networks = append(c.networks, decode[networkingv1.NetworkPolicy](t, text))
		case "Namespace":
			c.namespaces = append(c.namespaces, decode[corev1.Namespace](t, text))
		default:
			t.Errorf("there is no test for the kind %s", kind)
		}
	}
	return c
}

func decode[T any](t *testing.T, text []byte) *T {
	t.Helper()
	object := new(T)
	if err := yaml.UnmarshalStrict(text, object); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return object
}

func TestPodsMeetTheRestrictedStandard(t *testing.T) {
	t.Parallel()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for name, deployment := range build(t).deployments {
		pod := deployment.Spec.Template
		for _, result := range evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec) {
			if !result.Allowed {
				t.Errorf("%s: %s: %s", name, result.ForbiddenReason, result.ForbiddenDetail)
			}
		}
		for _, container := range pod.Spec.Containers {
			if readOnly := container.SecurityContext.ReadOnlyRootFilesystem; readOnly == nil || !*readOnly {
				t.Errorf("%s: the root file system is writable", container.Name)
			}
			if limits := container.Resources.Limits; limits.Cpu().IsZero() || limits.Memory().IsZero() {
				t.Errorf("%s has no limits", container.Name)
			}
		}
	}
}

// TestObjectsFindEachOther follows every name and selector in the manifests.
func TestObjectsFindEachOther(t *testing.T) {
	t.Parallel()
	c := build(t)
	for _, service := range c.services {
		deployment := c.deployments[service.Name]
		if deployment == nil {
			t.Fatalf("service %s has no deployment", service.Name)
		}
		if !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(deployment.Spec.Template.Labels)) {
			t.Errorf("service %s does not select its pods", service.Name)
		}
		for _, port := range service.Spec.Ports {
			mustHavePort(t, deployment, port.TargetPort)
		}
	}
	for _, budget := range c.budgets {
		mustSelect(t, c, budget.Name, budget.Spec.Selector)
	}
	for _, network := range c.networks {
		mustSelect(t, c, network.Name, &network.Spec.PodSelector)
		for _, rule := range network.Spec.Ingress {
			for _, port := range rule.Ports {
				mustHavePort(t, c.deployments[network.Name], *port.Port)
			}
		}
	}
	for name, deployment := range c.deployments {
		mustSelect(t, c, name, deployment.Spec.Selector)
		for _, volume := range deployment.Spec.Template.Spec.Volumes {
			if volume.ConfigMap != nil && c.configs[volume.ConfigMap.Name] == nil {
				t.Errorf("%s mounts the unknown ConfigMap %s", name, volume.ConfigMap.Name)
			}
		}
		if deployment.Namespace != c.namespaces[0].Name {
			t.Errorf("%s is in namespace %s", name, deployment.Namespace)
		}
	}
}

func mustSelect(t *testing.T, c cluster, name string, by *metav1.LabelSelector) {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(by)
	if err != nil || !selector.Matches(labels.Set(c.deployments[name].Spec.Template.Labels)) {
		t.Errorf("%s does not select its pods: %v", name, err)
	}
}

func mustHavePort(t *testing.T, deployment *appsv1.Deployment, wanted intstr.IntOrString) {
	t.Helper()
	for _, port := range deployment.Spec.Template.Spec.Containers[0].Ports {
		if port.Name == wanted.String() {
			return
		}
	}
	t.Errorf("%s has no port %s", deployment.Name, wanted.String())
}

// TestSecretsAreMade checks that the example and make-secrets contain each file
// that pods mount.
func TestSecretsAreMade(t *testing.T) {
	t.Parallel()
	made := secrets(t)
	text, err := os.ReadFile(manifests + "/secret.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	example := decode[corev1.Secret](t, text)
	for name, deployment := range build(t).deployments {
		for _, volume := range deployment.Spec.Template.Spec.Volumes {
			if volume.Secret == nil {
				continue
			}
			if volume.Secret.SecretName != example.Name {
				t.Errorf("%s mounts secret %s", name, volume.Secret.SecretName)
			}
			for _, item := range volume.Secret.Items {
				if example.StringData[item.Key] == "" {
					t.Errorf("%s is not in the example", item.Key)
				}
				if _, err := os.Stat(made + "/" + item.Key); err != nil {
					t.Errorf("make-secrets does not make %s: %v", item.Key, err)
				}
			}
		}
	}
}

func TestPodMonitorNamesAPort(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(manifests + "/podmonitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	monitor := decode[monitoringv1.PodMonitor](t, text)
	c := build(t)
	mustSelect(t, c, "leadgraph", &monitor.Spec.Selector)
	for _, endpoint := range monitor.Spec.PodMetricsEndpoints {
		mustHavePort(t, c.deployments["leadgraph"], intstr.FromString(*endpoint.Port))
	}
}

// pod returns leadgraph's pod and the environment from its ConfigMap.
func pod(t *testing.T) (*corev1.PodSpec, map[string]string) {
	t.Helper()
	c := build(t)
	spec := &c.deployments["leadgraph"].Spec.Template.Spec
	return spec, c.configs[spec.Containers[0].EnvFrom[0].ConfigMapRef.Name].Data
}

func TestKubernetesSettingsFitTheLimits(t *testing.T) {
	t.Parallel()
	spec, env := pod(t)
	checkMemory(t, env, spec.Containers[0].Resources.Limits.Memory().Value())
	checkGrace(t, env, time.Duration(*spec.TerminationGracePeriodSeconds)*time.Second)
	listens := map[string]string{"http": env["LEADGRAPH_LISTEN"], "admin": env["LEADGRAPH_ADMIN_LISTEN"]}
	for _, port := range spec.Containers[0].Ports {
		if want := fmt.Sprintf(":%d", port.ContainerPort); listens[port.Name] != want {
			t.Errorf("port %s is %s, leadgraph listens on %q", port.Name, want, listens[port.Name])
		}
	}
}

func TestKubernetesProbesAnswer(t *testing.T) {
	t.Parallel()
	spec, env := pod(t)
	env["LEADGRAPH_CATALOGUE_WARM"] = "false" // there is no platform to read all leads from
	server := install(t).serve(t, env)
	container := spec.Containers[0]
	for name, probe := range map[string]*corev1.Probe{"startup": container.StartupProbe, "liveness": container.LivenessProbe, "readiness": container.ReadinessProbe} {
		base := map[string]string{"http": server.base, "admin": server.admin}[probe.HTTPGet.Port.String()]
		if status, answer := ask(t, base+probe.HTTPGet.Path, ""); status != http.StatusOK {
			t.Errorf("the answer to the %s probe is %d %s", name, status, answer)
		}
	}
}
