"""The chart gives the file of digests to the console alone, and lets it send them."""

from __future__ import annotations

from deploy.programs import Helm, named


def test_only_the_console_gets_the_file_of_digests_and_may_send_them(helm: Helm) -> None:
    sets = ("digests.existingSecret=digests", "digests.smtpPasswordKey=password")
    objects = helm.render(*sets)
    rendered = {
        name: deployment["spec"]["template"]["spec"]
        for name, deployment in named(objects, "Deployment").items()
    }
    assert [name for name, pod in rendered.items() if "digests" in str(pod["volumes"])] == [
        "console"
    ]
    (container,) = rendered["console"]["containers"]
    environment = {entry["name"]: entry for entry in container["env"]}
    file = environment["DAYDREAM_CONSOLE_DIGESTS_FILE"]["value"]
    (mount,) = (each for each in container["volumeMounts"] if each["name"] == "digests")
    (volume,) = (each for each in rendered["console"]["volumes"] if each["name"] == "digests")
    assert file == f"{mount['mountPath']}/{volume['secret']['items'][0]['path']}"
    password = environment["DAYDREAM_CONSOLE_SMTP_PASSWORD"]["valueFrom"]["secretKeyRef"]
    assert password == {"name": "digests", "key": "password"}
    policy = named(objects, "NetworkPolicy")["digests"]["spec"]
    assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "console"
    assert [port["port"] for port in policy["egress"][0]["ports"]] == [443, 465, 587]
    assert "digests" not in named(helm.render(), "NetworkPolicy")
