package importer

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// log is a file of the process's own, with its rotation.
func (p *process) log() {
	location, ok := p.str(p.n.get("log_location"), "log_location")
	ok = ok && location != ""
	config := p.object(p.n.get("log_configuration"), "log_configuration")
	var rotation *node
	if config != nil {
		p.others(p.child, config, "log_configuration.", []string{"rotation", "disable_json", "no_color", "no_metadata", "add_timestamp", "flush_each_line"}, map[string]string{"timestamp_format": "times are in UTC", "fields_order": "the lines are those of the program"})
		rotation = p.object(config.get("rotation"), "log_configuration.rotation")
	}
	if rotation != nil && !ok {
		directory, _ := p.str(rotation.get("directory"), "directory")
		if location, ok = p.str(rotation.get("filename"), "filename"); ok && location != "" {
			location = filepath.Join(directory, location)
		}
	}
	if location == "" {
		if config != nil {
			p.lost("log_configuration: "+config.shown(), "there is no log_location")
		}
		return
	}
	log := flow{{"file", home(p.text(location, p.vars))}}
	if strings.Contains(location, "PC_REPLICA_NUM") {
		p.lost("log_location: "+location, "the copies share the file")
		log[0].value = strings.ReplaceAll(log[0].value.(string), "{PC_REPLICA_NUM}", "all")
	}
	if rotation != nil {
		if n, ok := p.count(rotation.get("max_size_mb"), "max_size_mb"); ok && n > 0 {
			log = append(log, entry{"max_size", fmt.Sprintf("%dMiB", n)})
		}
		if n, ok := p.count(rotation.get("max_backups"), "max_backups"); ok && n > 0 {
			log = append(log, entry{"keep", n})
		}
		if n, ok := p.count(rotation.get("max_age_days"), "max_age_days"); ok && n > 0 {
			log = append(log, entry{"max_age", time.Duration(min(n, 36500)) * 24 * time.Hour})
		}
		if yes, _ := p.flag(rotation.get("compress"), "compress"); yes {
			log = append(log, entry{"compress", true})
		}
		p.others(p.child, rotation, "log_configuration.rotation.", []string{"directory", "filename", "max_size_mb", "max_backups", "max_age_days", "compress"}, nil)
	}
	if config != nil {
		if times, _ := p.flag(config.get("add_timestamp"), "add_timestamp"); times {
			log = append(log, entry{"times", true})
		}
	}
	p.set("log", log)
}
