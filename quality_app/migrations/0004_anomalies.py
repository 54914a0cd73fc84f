from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("quality_app", "0003_rules")]
    operations = []
