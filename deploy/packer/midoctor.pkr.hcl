# Puts midoctor into an image and proves that it runs there. The VM that Packer builds with usually has no identity of its own, so
# nothing is expected of one: the smoke test plays a scenario of the embedded simulator, and examines what does not hang on it.
packer {
  required_plugins {
    azure = {
      source  = "github.com/hashicorp/azure"
      version = ">= 2.0.0"
    }
  }
}

variable "binary" {
  type        = string
  description = "The program, built for the image's architecture: target/release/midoctor."
  default     = "target/release/midoctor"
}

variable "resource_group" {
  type        = string
  description = "Where the image goes."
}

variable "location" {
  type    = string
  default = "westeurope"
}

variable "image_name" {
  type    = string
  default = "debian-12-midoctor"
}

source "azure-arm" "image" {
  use_azure_cli_auth                = true
  os_type                           = "Linux"
  image_publisher                   = "Debian"
  image_offer                       = "debian-12"
  image_sku                         = "12-gen2"
  location                          = var.location
  vm_size                           = "Standard_B2s"
  managed_image_name                = var.image_name
  managed_image_resource_group_name = var.resource_group
}

build {
  sources = ["source.azure-arm.image"]

  provisioner "file" {
    source      = var.binary
    destination = "/tmp/midoctor"
  }

  provisioner "shell" {
    execute_command = "chmod +x {{ .Path }}; {{ .Vars }} sudo -E sh '{{ .Path }}'"
    inline = [
      "set -eu",
      "install -o root -g root -m 0755 /tmp/midoctor /usr/local/bin/midoctor",
      "rm /tmp/midoctor",
      "midoctor --version",
      "midoctor demo healthy -q",
      # All but the identity: this VM's own way to the metadata service, clock and environment.
      "midoctor check --require none --skip 'identity-*' --skip principal --skip token --skip validity -o line",
    ]
  }

  # Last, as Azure wants it: what tells this VM from others is taken away. See Microsoft's page on the agent's deprovisioning.
  provisioner "shell" {
    execute_command = "chmod +x {{ .Path }}; {{ .Vars }} sudo -E sh '{{ .Path }}'"
    inline          = ["/usr/sbin/waagent -force -deprovision+user && export HISTSIZE=0 && sync"]
  }
}
